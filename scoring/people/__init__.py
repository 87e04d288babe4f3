"""What people say beside the scores: sentiment, observations on persons, feedback on reasons, corrected facts."""
