from .defaults import *
