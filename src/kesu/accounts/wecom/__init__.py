"""Sign-in through WeCom (企业微信): a provider for allauth that knows existing people only."""
