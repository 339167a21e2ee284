"""The probes: small attempts, one for each known way in which a picture could leave the show.

`probe` runs the probes and interprets the errors; `all_probes` lists the probes in order.
"""
