# Installs gems without network, in their order, and keeps what was compiled.
# The folder with the gems and order.json; where /opt is; the full names of those that are compiled.
require 'json'
require 'fileutils'
require 'rubygems/installer'

source, prefix, *compiled = ARGV
home = '/layerwright/installed'
Gem.use_paths(home, [home, *Gem.default_path])
JSON.parse(File.read("#{source}/order.json")).each do |one|
  installer = Gem::Installer.at("#{source}/#{one['file']}", install_dir: home, ignore_dependencies: true, force: true,
                                                            document: [], wrappers: false, build_args: one['options'])
  begin
    installer.install
  rescue Gem::Ext::BuildError => error
    warn error.message
    Dir["#{home}/extensions/**/#{one['file'].delete_suffix('.gem')}/mkmf.log"].each do |log|
      warn File.readlines(log).last(40)
    end
    abort "error: the extension of #{one['file'].delete_suffix('.gem')} cannot be compiled"
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
