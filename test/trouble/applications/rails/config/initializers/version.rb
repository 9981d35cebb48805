Rails.application.config.x.version = "one"
