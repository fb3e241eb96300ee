"""Rules of the end of a lease: milestones, options, what buying costs, mileage."""
