"""What the models of whole pages share: pictures, drawing, networks' heads, fitting, evaluation, shipping."""
