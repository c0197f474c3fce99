"""Programs of others that draw trainings: TensorBoard, Weights & Biases, MLflow.

Nothing here is imported unless a run is asked to tell one of them.
"""
