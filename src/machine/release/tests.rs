mod cases;
mod order;
mod passed;
mod told;
