type Money = {amount: number, currency: "EUR" | "USD", note?: string}
