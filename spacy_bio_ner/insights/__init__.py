"""What the tables of a run show: frequent entities, pairs, trends and expected errors, as tables and on one page.

tables.py counts, with spelling.py for the forms; overview.py and charts.py show it on a page, and write.py writes it.
"""
