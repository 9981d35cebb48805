class PackJob < ActiveJob::Base
  def perform(order)
    order.update!(packed: true)
  end
end
