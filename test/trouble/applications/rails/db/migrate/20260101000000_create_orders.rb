class CreateOrders < ActiveRecord::Migration[7.2]
  def change
    create_table :orders do |t|
      t.boolean :packed, null: false, default: false
      t.timestamps
    end
    create_table :products do |t|
      t.string :name, null: false, index: { unique: true }
      t.timestamps
    end
    create_join_table :orders, :products
  end
end
