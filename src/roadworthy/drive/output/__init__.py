"""What a drive gives out: tables, maps, boxes, a film with the answers drawn in, a report."""
