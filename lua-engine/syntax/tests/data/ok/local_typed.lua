local limit: integer, label: string? = 10, nil
