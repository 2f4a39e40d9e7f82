"""Reports: stored results as plain sections, sections as one self-contained HTML page.  No torch."""
