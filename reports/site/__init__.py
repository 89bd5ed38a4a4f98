"""Tables, gallery, protocols and the account of every number as static web pages."""
