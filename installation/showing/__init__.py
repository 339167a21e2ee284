"""The screen: scenes, typesetting, painting, the kiosk's own words, and the window.

The modules of `scenes` make a `Scene`, in which every element has its position in pixels; `Painter`
paints it on a `Screen`. Only the main thread uses this package.

A length in "px at 1080p" is its length in px on a screen of 1920×1080 px. `ScreenContext.px`
converts it to px of the show's screen.
"""
