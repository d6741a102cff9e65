"""What every page shares: layout, components, visits, the gate before each route, headers, words."""
