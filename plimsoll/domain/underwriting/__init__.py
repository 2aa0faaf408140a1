"""From an application to a verdict: facts, rules, price, reasons, and the person who may say otherwise."""
