"""Pages of 12-lead ECGs: drawing them, straightening photographs of them, and reading the leads back. Imports no Django."""
