"""`loreweave report compare`: whether one system is better than another, and on which records."""
