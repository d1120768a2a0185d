# Loaded before every Ruby of a step that compiles gems: what Ruby was compiled with gives way to the environment, as it
# does for any other build system. mkmf reads CC and the flags from here alone.
require 'rbconfig'

configs = [RbConfig::MAKEFILE_CONFIG, RbConfig::CONFIG]
own = RbConfig::CONFIG.slice('CC', 'CXX')
# Ruby's own warnings are GCC's. Clang warns of those that it does not know, and mkmf, which tries each flag with -Werror,
# would then leave out whatever a configuration asks for, folders of headers too.
configs.each { |config| config['CFLAGS'] += ' -Wno-unknown-warning-option' } if ENV['CC'].to_s.start_with?('/native/')
%w[CC CXX AR NM RANLIB STRIP OBJCOPY].each do |name|
  value = ENV.fetch(name, nil) or next
  configs.each { |config| config[name] = value }
end
# In CONFIG these are expanded already.
%w[CC CXX].each do |name|
  %w[LDSHARED LDSHAREDXX CPP].each do |command|
    text = RbConfig::CONFIG[command] or next
    RbConfig::CONFIG[command] = text.sub(/\A#{Regexp.escape(own[name].to_s)}(?= )/, RbConfig::CONFIG[name].to_s)
  end
end
{ 'CFLAGS' => 'CFLAGS', 'CXXFLAGS' => 'CXXFLAGS', 'CPPFLAGS' => 'CPPFLAGS', 'LDFLAGS' => 'LDFLAGS' }.each do |name, from|
  configs.each { |config| config[name] = "#{config[name]} #{ENV.fetch(from, '')}".strip }
end
