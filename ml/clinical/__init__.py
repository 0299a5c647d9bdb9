"""Clinical records: units, features of a record, kidney function and established risk scores. Standard library only."""
