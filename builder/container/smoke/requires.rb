# Activates and requires one gem after another, and notes what becomes of each; tells the time that it took.
require 'json'
plan = JSON.parse(File.read('/var/task/layerwright.json'))
begun = File.readlines('/tmp/layerwright.notes').map { |line| JSON.parse(line) }.select { |each| each[0] == 'begin' }
from = begun.empty? ? 0 : begun.last[1] + 1
started, out = Process.clock_gettime(Process::CLOCK_MONOTONIC), File.open('/tmp/layerwright.notes', 'a')
note = lambda { |*words| out.syswrite("#{JSON.generate(words)}\n") }
plan['items'].each_with_index do |(name, _), number|
  next if number < from
  note.call('begin', number)
  gem name
  folders = Gem.loaded_specs.fetch(name).full_require_paths
  file = [name, name.tr('-', '/'), name.tr('-', '_')].find { |one|
    folders.any? { |folder| File.exist?("#{folder}/#{one}.rb") || File.exist?("#{folder}/#{one}.so") } }
  require file if file
rescue Exception => error
  lines = error.full_message(highlight: false, order: :bottom).scrub.lines(chomp: true)
  note.call('fail', number, { text: "#{error.class}: #{error.message}".scrub, trace: lines.last(6) })
end
warn format('layerwright-import-ms=%.1f', (Process.clock_gettime(Process::CLOCK_MONOTONIC) - started) * 1000)
note.call('through', 0)
exit!(0)
