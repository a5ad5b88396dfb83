"""`loreweave report`: one page, pictures and tables about runs."""
