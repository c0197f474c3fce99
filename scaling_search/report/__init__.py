"""From frames of results to tables, figures and one self-contained page."""
