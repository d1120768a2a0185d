# Activates and requires each gem, and tells the time that it took, and which cannot be required.
started, failed = Process.clock_gettime(Process::CLOCK_MONOTONIC), []
ARGV.each do |name|
  gem name
  folders = Gem.loaded_specs.fetch(name).full_require_paths
  file = [name, name.tr('-', '/'), name.tr('-', '_')].find { |one|
    folders.any? { |folder| File.exist?("#{folder}/#{one}.rb") || File.exist?("#{folder}/#{one}.so") } }
  require file if file
rescue Exception => error
  failed << name
  warn error.full_message(highlight: false, order: :bottom)
end
warn format('layerwright-import-ms=%.1f', (Process.clock_gettime(Process::CLOCK_MONOTONIC) - started) * 1000)
abort "cannot be required: #{failed.join(' ')}" unless failed.empty?
