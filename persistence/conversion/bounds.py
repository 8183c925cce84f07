"""What a converted file may cost, and how it is refused."""

#: Address space of the converting process. A sheet of 1,000,000 rows and 8 columns fits.
MEMORY_BYTES = 1_073_741_824
#: Processor time of the converting process.
CPU_SECONDS = 120
#: Time until the whole text must have come.
SECONDS = 240
#: Text that comes out at most.
TEXT_BYTES = 1_000_000_000
#: Columns of a sheet, or keys of all objects together.
COLUMNS = 500


class Unreadable(ValueError):
    """The file cannot be converted. The message is short and safe to show."""
