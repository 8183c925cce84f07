"""From the bytes of a file to one model of a document, in a process that hostile ones may kill."""
