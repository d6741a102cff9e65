"""The wire: LTI 1.3 Advantage as it is spoken to an LMS. Knows nothing of peer learning."""
