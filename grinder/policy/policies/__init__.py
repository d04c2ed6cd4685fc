"""The policies that come with Grinder, a file for each; ``grinder.policy.registry`` lists them."""
