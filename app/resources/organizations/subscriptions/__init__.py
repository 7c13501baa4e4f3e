"""The one plan of the service, which has everything, as the feature set and the subscription that clients ask for."""
