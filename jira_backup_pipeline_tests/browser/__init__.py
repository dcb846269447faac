"""What a person sees in the Dagster UI, driven with Chromium."""
