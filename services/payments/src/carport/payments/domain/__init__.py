"""Rules of payments: states, dates, limits, banks and cards. Pure: values in, values out."""
