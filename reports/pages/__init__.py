"""Web pages of templates in this package: what the gallery and the site share."""
