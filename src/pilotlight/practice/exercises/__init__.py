"""The exercises, one file each: above the line what a learner gets, below it how it is checked."""
