"""The screen: scenes, type, painting, the kiosk's own words, and the window.

The modules of `scenes` make a `Scene`, which is placed to the pixel; `Painter` paints it on a
`Screen`. All of it is used by the main thread only.
"""
