"""Networks with weights that exist already: read, evaluated and compared."""
