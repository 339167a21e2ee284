"""A mirror for galleries that names its visitors with the categories machines were taught."""
