# Installs gems without network, in their order, and keeps what was compiled.
# The folder with the gems and order.json; where /opt is; the full names of those that are compiled.
require 'json'
require 'fileutils'
require 'rubygems/installer'

source, prefix, *compiled = ARGV
home = '/layerwright/installed'
ENV['GEM_HOME'] = home
ENV['GEM_PATH'] = [home, *Gem.default_path].join(':') # for configurations that need other gems
Gem.use_paths(home, [home, *Gem.default_path])
JSON.parse(File.read("#{source}/order.json")).each do |one|
  installer = Gem::Installer.at("#{source}/#{one['file']}", install_dir: home, ignore_dependencies: true, force: true,
                                                            document: [], wrappers: false, build_args: one['options'])
  begin
    installer.install
  rescue Gem::Ext::BuildError => error
    name = one['file'].delete_suffix('.gem')
    # What a configuration tries and does without looks like errors, so it is marked as what it is.
    Dir["#{home}/extensions/**/#{name}/mkmf.log"].each { |log| warn(File.readlines(log).map { |line| "# #{line}" }) }
    # Its own words come last; what RubyGems says around them helps nobody here.
    noise = /\A\s*\z|Gem files will remain|Results logged|gem_make.out|mkmf\.log|extconf failed|failed, exit code|current directory|\A\s+--with/
    warn error.message.lines.grep_v(noise)
    exit 1
  end
  Gem::Specification.reset
end

abi = Gem.ruby_api_version
to = "#{prefix}/ruby/gems/#{abi}"
compiled.each do |name|
  ["gems/#{name}", "extensions/#{Gem::Platform.local}/#{Gem.extension_api_version}/#{name}"].each do |path|
    FileUtils.mkdir_p(File.dirname("#{to}/#{path}"))
    FileUtils.cp_r("#{home}/#{path}", "#{to}/#{path}")
  end
end
