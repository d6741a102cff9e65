"""Pure algorithms: forming cohorts and pairing them over their sessions. Values in, values out."""
