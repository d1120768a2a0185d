# What starts a handler in the stand-in of Ruby: Lambda's runtime API in short.
require 'json'
require 'net/http'

host, port = ENV.fetch('AWS_LAMBDA_RUNTIME_API').split(':')
API = Net::HTTP.new(host, port.to_i)
API.read_timeout = nil
ROOT = '/2018-06-01/runtime'

def report(path, error)
  warn error.full_message(highlight: false)
  said = { errorType: error.class.name, errorMessage: error.message, stackTrace: error.backtrace }
  API.post("#{ROOT}/#{path}", JSON.generate(said))
end

file, name = ENV.fetch('_HANDLER').split('.', 2)
begin
  require "/var/task/#{file}"
  *scope, method = name.split('.')
  owner = scope.empty? ? self : Object.const_get(scope.join('::'))
  handler = owner.method(method)
rescue Exception => error # rubocop:disable Lint/RescueException
  report('init/error', error)
  exit 1
end

loop do
  asked = API.get("#{ROOT}/invocation/next")
  id = asked['lambda-runtime-aws-request-id']
  begin
    answer = handler.call(event: JSON.parse(asked.body), context: { aws_request_id: id })
    API.post("#{ROOT}/invocation/#{id}/response", JSON.generate(answer))
  rescue StandardError => error
    report("invocation/#{id}/error", error)
  end
end
