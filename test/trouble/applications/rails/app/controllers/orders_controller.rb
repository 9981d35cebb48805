class OrdersController < ApplicationController
  before_action { response.set_header("X-Version", Rails.configuration.x.version) }

  def index
    @orders = Order.includes(:products).order(:id)
  end

  def create
    product = Product.find_or_create_by!(name: params.require(:product))
    order = Order.create!(products: [product])
    PackJob.perform_later(order)
    redirect_to orders_path, status: :see_other
  end
end
