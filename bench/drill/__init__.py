"""The drill: real processes are killed under load, and nothing may be lost or doubled."""
