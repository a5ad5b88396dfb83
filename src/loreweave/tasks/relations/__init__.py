"""What tasks on relations share: records, file layouts, documents."""
