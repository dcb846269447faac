"""How a site is set up beyond what issues refer to; all of it follows from the site's types, fields, projects and groups."""
