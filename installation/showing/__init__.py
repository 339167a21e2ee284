"""The screen: scenes, type, painting, the kiosk's own words, and the window.

The modules of `scenes` make a `Scene`, in which every element has its position in pixels; `Painter`
paints it on a `Screen`. Only the main thread uses this package.
"""
