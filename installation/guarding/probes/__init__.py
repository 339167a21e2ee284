"""The probes: every known way by which a picture could leave the show, each as a small attempt.

`probe` runs them and interprets the errors; `all_probes` lists them in their order.
"""
