"""How much larger HR is than LR: the one number that shapes of images and networks share."""

SCALE = 4  # HR pixels per LR pixel, along each side: the generator doubles twice
