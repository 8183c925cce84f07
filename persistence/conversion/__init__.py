"""Spreadsheets and JSON turned into CSV of one form, in a process of their own with bounded
memory."""
