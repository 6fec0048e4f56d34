"""The executable pipeline framework (EPF): what runs inside a job, around a processor.

It fetches inputs, runs the processor, follows its metrics, measures it, stores its outputs and reports.
Standard library only and Python >= 3.8, so that one zipapp works in any image.
"""

__version__ = "0.1.0"
