"""What road signs there are: classes (meanings) and, country by country, their faces."""
