"""What the tables of a run show: frequent entities, pairs, trends and doubts, as tables and on one page."""
